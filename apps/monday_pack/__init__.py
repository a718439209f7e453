"""The Monday pack: the Overview's figures of a week as PDF and workbook, with the publish they come from."""
