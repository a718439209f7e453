"""The narrow waist: settings, storage, vocabulary and the one reader. Imports nothing of ours."""
