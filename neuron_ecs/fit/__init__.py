"""Which instances run a workload or serve a language model, cheapest first."""
