"""Tables, files, events and the warehouse: every write of the platform goes through this room."""
