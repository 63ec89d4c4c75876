"""How runs are started, watched and stored: run launcher, instance storage, executors."""
