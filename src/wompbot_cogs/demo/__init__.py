"""The demo: a short scene, and the replay of a chat log, on real parts."""
