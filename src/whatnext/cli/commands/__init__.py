"""The commands, by what they are about; each is a function that `app` names."""
