"""What people get of a storyboard: contact sheet, page, PDF, animatic, subtitles, timeline and the facts as JSON."""
