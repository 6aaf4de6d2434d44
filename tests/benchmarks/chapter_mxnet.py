"""The chapter's program on MXNet and d2l as pip installs them.

It is written as the chapter is: MXNet's own number of threads, a network
that is not frozen, Gram matrices by np.dot, losses read every tenth epoch.
Two things the chapter takes for granted are given: the weights, and, on
MXNet 1.9.1, the registration of the parameter. This file does not import
gluon_style, which would change the threads.
"""

import mxnet
from d2l import mxnet as d2l
from measure import Clock, arguments, read_input
from mxnet import autograd, gluon, init, np, npx
from mxnet.gluon import nn

npx.set_np()

STYLE_LAYERS, CONTENT_LAYERS = [0, 5, 10, 19, 28], [25]


def build_net(arrays, device):
    vgg = gluon.model_zoo.vision.vgg19()
    names = [name[: -len('.weight')] for name in arrays if 'weight' in name]
    convolutions = [b for b in vgg.features if isinstance(b, nn.Conv2D)]
    for block, name in zip(convolutions, names):
        for kind in ('weight', 'bias'):
            parameter = getattr(block, kind)
            parameter.shape = arrays[f'{name}.{kind}'].shape
            parameter.initialize(ctx=device)
            parameter.set_data(np.array(arrays[f'{name}.{kind}']))
    net = nn.Sequential()
    for i in range(max(CONTENT_LAYERS + STYLE_LAYERS) + 1):
        net.add(vgg.features[i])
    return net


def extract_features(net, X):
    contents, styles = [], []
    for i in range(len(net)):
        X = net[i](X)
        if i in STYLE_LAYERS:
            styles.append(X)
        if i in CONTENT_LAYERS:
            contents.append(X)
    return contents, styles


def gram(X):
    num_channels, n = X.shape[1], X.size // X.shape[1]
    X = X.reshape((num_channels, n))
    return np.dot(X, X.T) / (num_channels * n)


def tv_loss(Y_hat):
    return 0.5 * (
        np.abs(Y_hat[:, :, 1:, :] - Y_hat[:, :, :-1, :]).mean()
        + np.abs(Y_hat[:, :, :, 1:] - Y_hat[:, :, :, :-1]).mean()
    )


class SynthesizedImage(nn.Block):
    def __init__(self, img_shape):
        super().__init__()
        if mxnet.__version__.startswith('1.'):
            self.weight = self.params.get('weight', shape=img_shape)
        else:
            self.weight = gluon.Parameter('weight', shape=img_shape)

    def forward(self):
        return self.weight.data()


def main():
    args = arguments()
    content_X, style_X, arrays = read_input(args.input)
    device = d2l.try_gpu()
    net = build_net(arrays, device)
    del arrays
    content_X = np.array(content_X, ctx=device)
    style_X = np.array(style_X, ctx=device)
    contents_Y, _ = extract_features(net, content_X)
    _, styles_Y = extract_features(net, style_X)
    gen_img = SynthesizedImage(content_X.shape)
    gen_img.initialize(init.Constant(content_X), ctx=device)
    trainer = gluon.Trainer(
        gen_img.collect_params(), 'adam', {'learning_rate': 0.9}
    )
    X, styles_Y_gram = gen_img(), [gram(Y) for Y in styles_Y]
    npx.waitall()
    clock = Clock()
    for epoch in range(args.epochs):
        with autograd.record():
            contents_Y_hat, styles_Y_hat = extract_features(net, X)
            contents_l = [
                np.square(Y_hat - Y).mean()
                for Y_hat, Y in zip(contents_Y_hat, contents_Y)
            ]
            styles_l = [
                np.square(gram(Y_hat) - Y).mean() * 1e4
                for Y_hat, Y in zip(styles_Y_hat, styles_Y_gram)
            ]
            l = sum(styles_l + contents_l + [tv_loss(X) * 10])
        l.backward()
        trainer.step(1)
        if (epoch + 1) % 50 == 0:
            trainer.set_learning_rate(trainer.learning_rate * 0.8)
        # The chapter reads every tenth; what an epoch takes, only each one
        # tells, and reading costs it nothing measurable.
        npx.waitall()
        clock.tick(l)
    clock.write(args.output)


if __name__ == '__main__':
    main()
