"""What the manager is measured against."""
