"""Everything that changes something: check → store → commit → publish. Nothing is published before its commit."""
