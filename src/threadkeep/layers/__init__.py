"""The product's rules: functions that return a Plan. No I/O and no await in this folder."""
