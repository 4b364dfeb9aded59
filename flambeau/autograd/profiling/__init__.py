"""What the profilers are made of: recording, events, tables and traces."""
