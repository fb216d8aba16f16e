"""The command line: one small file per group of commands. Prints and exit codes only; everything else is below."""
