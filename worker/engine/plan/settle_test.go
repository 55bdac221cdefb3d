package plan

import (
	"testing"

	"crmsync/schema/mapping"
)

func TestSettle(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		monday, base, salesforce any
		agreed                   bool
		choices                  Choices
		want                     Settled
	}{
		"the same, agreed":         {monday: "a", base: "a", agreed: true, salesforce: "a"},
		"the same, folded":         {monday: "a", base: "a", agreed: true, salesforce: " a "},
		"the same, empty":          {monday: nil, base: nil, agreed: true, salesforce: ""},
		"the same, never agreed":   {monday: "a", salesforce: "a", want: Settled{Agrees: true}},
		"both changed to the same": {monday: "b", base: "a", agreed: true, salesforce: "b", want: Settled{Agrees: true}},
		"monday changed":           {monday: "b", base: "a", agreed: true, salesforce: "a", want: Settled{Kind: MondayChanged, Sends: true}},
		"monday emptied":           {monday: nil, base: "a", agreed: true, salesforce: "a", want: Settled{Kind: MondayChanged, Sends: true}},
		"drift":                    {monday: "a", base: "a", agreed: true, salesforce: "b", want: Settled{Kind: Drift}},
		"drift, enforced":          {monday: "a", base: "a", agreed: true, salesforce: "b", choices: Choices{Enforce: true}, want: Settled{Kind: Drift, Sends: true}},
		"drift, adopted":           {monday: "a", base: "a", agreed: true, salesforce: "b", choices: Choices{Adopt: mapping.Monday}, want: Settled{Kind: Drift}},
		"both changed":             {monday: "b", base: "a", agreed: true, salesforce: "c", want: Settled{Kind: BothChanged, Sends: true}},
		"first meeting":            {monday: "a", salesforce: "b", want: Settled{Kind: FirstMeeting}},
		"first meeting, adopted":   {monday: "a", salesforce: "b", choices: Choices{Adopt: mapping.Monday}, want: Settled{Kind: FirstMeeting, Sends: true}},
		"first meeting, enforced":  {monday: "a", salesforce: "b", choices: Choices{Enforce: true}, want: Settled{Kind: FirstMeeting}},
		"empty in Salesforce":      {monday: "a", salesforce: nil, want: Settled{Kind: Missing, Sends: true}},
		"empty in Monday":          {monday: nil, salesforce: "b"},
		"emptied in Salesforce":    {monday: "a", base: "a", agreed: true, salesforce: nil, want: Settled{Kind: Drift}},
		"numbers":                  {monday: 5.0, base: 5.0, agreed: true, salesforce: 5.0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Settle(&mapping.Field{Name: "F"}, tt.monday, tt.base, tt.agreed, tt.salesforce, tt.choices)
			if got != tt.want {
				t.Errorf("Settle = %+v, want %+v", got, tt.want)
			}
		})
	}
}
