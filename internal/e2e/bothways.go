package e2e

import (
	"strings"

	"crmsync/deploy"
	"crmsync/internal/stage"
)

// BothWays is the example mapping, but an account's phone and a contact's e-mail address are also synced from
// Salesforce to Monday, within a fraction of a second.
func BothWays(w *World, c *stage.Config) {
	text := string(deploy.Mapping)
	for _, change := range [][2]string{
		{"Phone: { from: phone, as: phone }", "Phone: { from: phone, as: phone, sync: both }"},
		{"          Email: email\n          AccountId: { from: connect_account", "          Email: { from: email, sync: both }\n          AccountId: { from: connect_account"},
	} {
		if strings.Count(text, change[0]) != 1 {
			w.T.Fatalf("the example mapping does not have %q once", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	c.Env["MAPPING"] = w.Mapping(text)
	c.Env["SALESFORCE_POLL"] = "200ms"
}
