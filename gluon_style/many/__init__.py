"""Many runs: jobs in a folder, sweeps over settings. No MXNet until a run."""
