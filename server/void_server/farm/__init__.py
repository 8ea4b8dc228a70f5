"""Jobs on a render farm: planned into tasks, bundled for a dispatcher, run step by step on its machines."""
