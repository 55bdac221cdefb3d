package column_test

import (
	"errors"
	"fmt"

	"crmsync/mondayclient/column"
)

// A status of a webhook, which calls its type "color".
func ExampleFromWebhook() {
	v, _, err := column.FromWebhook("color", []byte(`{"label": {"index": 1, "text": "Qualified"}}`))
	fmt.Println(v.Type, v.Text, err)
	_, _, err = column.FromWebhook("formula", []byte(`{}`))
	fmt.Println(errors.Is(err, column.ErrUnsure)) // the API has to be asked
	// Output:
	// status Qualified <nil>
	// true
}
