"""Finding a peer from its PeerID alone: several ways behind one interface, asked together, dialled as they answer."""
