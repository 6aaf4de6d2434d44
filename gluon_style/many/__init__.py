"""Many runs: jobs in a folder, sweeps over settings."""
