"""The chapter's program in PyTorch on the CPU, written to be fast.

The network is frozen. ``--mode`` is eager, channels-last or compiled, and
with ', bfloat16' the network computes in that: convolutions only, by PyTorch's
own automatic cast.
"""

import os

import torch
from measure import Clock, arguments, read_input
from torch import nn

CONVOLUTIONS = (2, 2, 4, 4, 1)
STYLE_LAYERS, CONTENT_LAYERS = (0, 5, 10, 19, 28), (25,)


def build_net(arrays):
    layers = []
    for block, count in enumerate(CONVOLUTIONS, start=1):
        for i in range(1, count + 1):
            weight, bias = (
                torch.from_numpy(arrays[f'conv{block}_{i}.{kind}'])
                for kind in ('weight', 'bias')
            )
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
            conv.weight.data, conv.bias.data = weight, bias
            layers += [conv, nn.ReLU()]
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers[: max(STYLE_LAYERS) + 1]).requires_grad_(
        False
    )


def gram(X):
    X = X.reshape(X.shape[1], -1)
    return X @ X.T / X.numel()


def main():
    args = arguments()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    content_X, style_X, arrays = read_input(args.input)
    kind, _, precision = args.mode.partition(', ')
    net = build_net(arrays)
    content_X, style_X = torch.from_numpy(content_X), torch.from_numpy(style_X)
    if kind == 'channels-last':
        net = net.to(memory_format=torch.channels_last)
        content_X, style_X = (
            X.contiguous(memory_format=torch.channels_last)
            for X in (content_X, style_X)
        )

    def features(X):
        contents, styles = [], []
        for i, layer in enumerate(net):
            with torch.autocast('cpu', torch.bfloat16, precision != ''):
                X = layer(X)
            if i in STYLE_LAYERS:
                styles.append(X.float())
            if i in CONTENT_LAYERS:
                contents.append(X.float())
        return contents, styles

    with torch.no_grad():
        contents_Y, _ = features(content_X)
        styles_Y_gram = [gram(Y) for Y in features(style_X)[1]]

    def loss(X):
        contents, styles = features(X)
        content = sum(
            (Y_hat - Y).square().mean()
            for Y_hat, Y in zip(contents, contents_Y)
        )
        style = sum(
            (gram(Y_hat) - Y).square().mean()
            for Y_hat, Y in zip(styles, styles_Y_gram)
        )
        tv = (X[:, :, 1:] - X[:, :, :-1]).abs().mean()
        tv = tv + (X[..., 1:] - X[..., :-1]).abs().mean()
        return content + 1e4 * style + 10 * 0.5 * tv

    if kind == 'compiled':
        loss = torch.compile(loss)
    X = content_X.clone().requires_grad_()
    optimizer = torch.optim.Adam([X], lr=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 50, 0.8)
    clock = Clock()
    for _ in range(args.epochs):
        optimizer.zero_grad()
        total = loss(X)
        total.backward()
        optimizer.step()
        scheduler.step()
        clock.tick(total)
    clock.write(args.output)


if __name__ == '__main__':
    main()
