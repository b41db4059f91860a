"""From what students hand in to grades: release, intake, sandbox, judge, records, feedback. The map is in README.md."""
