"""Office Open XML (ECMA-376): DOCX, XLSX and PPTX."""
