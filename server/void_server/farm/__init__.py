"""Jobs on a render farm: they are planned into tasks, bundled for a dispatcher, and run step by step."""
