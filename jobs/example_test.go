package jobs_test

import (
	"encoding/json"
	"fmt"

	"crmsync/jobs"
)

// A job as stored in the queue. Names of members are stored, and never change.
func ExampleItemResyncArgs() {
	args := jobs.ItemResyncArgs{BoardID: 1003, ItemID: 7, Force: true}
	text, err := json.Marshal(args)
	fmt.Println(args.Kind(), string(text), err)
	// Output: item_resync {"board_id":1003,"item_id":7,"force":true} <nil>
}
