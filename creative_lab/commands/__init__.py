"""The commands of ``creative-lab``, one module per subject; each turns arguments into calls of the rooms below."""
