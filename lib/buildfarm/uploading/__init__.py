"""Layer 4: the upload stage, between the database and the uploaders."""
