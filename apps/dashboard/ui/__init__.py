"""The parts that every page is made of: header, filters, states, tiles, charts, tables with export."""
