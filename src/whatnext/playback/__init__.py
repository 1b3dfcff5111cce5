"""The user's own audio files: what lies in the music folder, and which tracks of playlists it holds."""
