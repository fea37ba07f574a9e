"""The demonstration: three regions on one machine move cases from application to money credited, and prove it."""
