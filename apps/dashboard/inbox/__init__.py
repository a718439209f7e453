"""The Approvals page in parts: the seat of whoever decides, the list, the evidence, the decision form, and the other tabs."""
