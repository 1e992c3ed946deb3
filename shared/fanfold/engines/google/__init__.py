"""The google engine: Pub/Sub and Firestore. Every import of Google's libraries is in here."""
