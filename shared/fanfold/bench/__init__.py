"""How fast a batch goes through here, beside the bare store."""
