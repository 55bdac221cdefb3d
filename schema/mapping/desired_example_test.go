package mapping_test

import (
	"fmt"
	"time"

	"crmsync/mondayclient/column"
	"crmsync/schema/mapping"
)

// What a record should hold is computed from an item by the mapping alone.
func ExampleRecord_Desired() {
	m, err := mapping.Parse("mapping.yaml", []byte(`
version: 1
boards:
  contacts:
    board: 1002
    records:
      contact:
        object: Contact
        fields:
          LastName: { from: name, as: last_name }
          Email: { from: email, as: email }
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	item := mapping.Item{ID: 7, Name: "Ada Lovelace", Columns: map[string]column.Value{
		"email": {Type: column.Email, Text: " Ada@Example.org "},
	}}
	values := m.Boards[0].Records[0].Desired(item, nil, time.Now())
	fmt.Println(values["LastName"].Literal, values["Email"].Literal)
	// Output: Lovelace ada@example.org
}
