"""What a user can do with playlists: create, edit, vote, invite, undo, import and export."""
