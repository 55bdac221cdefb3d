package mondayclient_test

import (
	"fmt"

	"crmsync/mondayclient"
)

// A webhook of a changed status. Values are decoded later, by package column.
func ExampleReadWebhook() {
	delivery, err := mondayclient.ReadWebhook([]byte(`{"event":{"type":"update_column_value","boardId":1003,"pulseId":7,
		"columnId":"status","columnType":"color","value":{"label":{"index":1,"text":"Won"}},"changedAt":1790165018.6}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	e := delivery.Event
	fmt.Println(e.Type, e.BoardID, e.ItemID, e.ColumnID, e.ColumnType)
	// Output: update_column_value 1003 7 status color
}
