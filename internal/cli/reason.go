package cli

import (
	"fmt"
	"os/user"
	"strings"
	"unicode/utf8"

	"crmsync/schema/store"
)

// acting is embedded in each command by which a person acts.
type acting struct {
	Reason string `help:"Reason, recorded in the table operations." placeholder:"TEXT"`
}

// Validate checks the reason.
func (a acting) Validate() error {
	if n := utf8.RuneCountInString(a.Reason); n > store.LongestReason {
		return fmt.Errorf("--reason: has %d characters, and may have up to %d", n, store.LongestReason)
	}
	return nil
}

// by returns who acts, and why: the account that runs the command.
func (a acting) by() store.By {
	by := store.By{Actor: "unknown", Via: store.ViaCLI, Reason: strings.TrimSpace(a.Reason)}
	if u, err := user.Current(); err == nil {
		by.Actor = u.Username
	}
	return by
}

// checkTexts checks that arguments are text that can be stored and searched for.
func checkTexts(args []string) error {
	for _, arg := range args {
		if !utf8.ValidString(arg) || strings.ContainsRune(arg, 0) {
			return fmt.Errorf("%q is not text: arguments are UTF-8, without NUL characters", arg)
		}
	}
	return nil
}
