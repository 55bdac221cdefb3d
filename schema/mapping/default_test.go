package mapping

import (
	"testing"

	"crmsync/mondayclient/column"
)

func TestIsDefault(t *testing.T) {
	t.Parallel()
	full := map[string]column.Value{
		"word": {Type: column.Text, Text: "Ada"}, "status": {Type: column.Status, Text: "Lost"}, "blank": {Type: column.Text, Text: " "},
	}
	for field, want := range map[string]bool{
		"word":                                              false,
		"{ from: word, default: x }":                        false,
		"{ from: missing, default: x }":                     true,
		"{ from: blank, default: x }":                       true,
		"{ from: missing, default: +9d }":                   true,
		"missing":                                           false,
		"{ value: x }":                                      false,
		"{ from: word, as: first_name, default: x }":        true,  // a single word is not a first name
		"{ from: status, labels: { Won: y }, default: x }":  false, // a label that is not mapped is a value
		"{ from: missing, labels: { Won: y }, default: x }": true,
		`{ template: "{missing}{blank}", default: x }`:      true,
		`{ template: "{missing}{word}", default: x }`:       false,
	} {
		rec := mustParse(t, head+"F: "+field+"\n } }\n").Boards[0].Records[0]
		if got := rec.Fields[0].IsDefault(Item{Columns: full}); got != want {
			t.Errorf("%s: got %t, want %t", field, got, want)
		}
	}
}
