"""tierlab: tells a logistics company whether its tiered customer service works."""
