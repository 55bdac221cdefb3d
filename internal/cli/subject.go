package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"crmsync/internal/app"
	"crmsync/schema/store"
)

// fewestDigits is the minimum length of a phone number to look for: fewer digits occur anywhere.
const fewestDigits = 6

type subjectCommand struct {
	Email string `help:"The person's e-mail address." placeholder:"ADDRESS"`
	Phone string `help:"The person's phone number." placeholder:"NUMBER"`
	JSON  bool   `help:"Print JSON."`
}

// subjectReport is an item in which a person was found. Its JSON form is stable.
type subjectReport struct {
	Item       int64      `json:"item"`
	Board      int64      `json:"board,omitempty"`
	Name       string     `json:"name"`
	DeletedAt  *time.Time `json:"deleted_at,omitempty"`
	Suppressed bool       `json:"suppressed"`
	Records    []string   `json:"records"`
	FoundIn    []string   `json:"found_in"` // tables
}

// Run lists the items that contain a person's e-mail address or phone number.
func (c subjectCommand) Run(ctx context.Context, p *program) error {
	email, digits, err := c.keys()
	if err != nil {
		return app.UsageError{Err: err}
	}
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	found, err := store.New(db).FindPerson(ctx, email, digits)
	if err != nil {
		return err
	}
	reports := []subjectReport{}
	for _, i := range found {
		reports = append(reports, subjectReport{i.ItemID, i.BoardID, i.Name, i.DeletedAt, i.Suppressed, i.Records, i.In})
	}
	if c.JSON {
		return p.printJSON(reports)
	}
	if len(reports) == 0 {
		fmt.Fprintln(p.stdout, "Nothing is stored about this person.")
	}
	for _, r := range reports {
		r.print(p)
	}
	return nil
}

func (r subjectReport) print(p *program) {
	state := ""
	if r.DeletedAt != nil {
		state += ", deleted in Monday"
	}
	if r.Suppressed {
		state += ", suppressed"
	}
	fmt.Fprintf(p.stdout, "item %d, board %d%s: %s\n", r.Item, r.Board, state, r.Name)
	if len(r.Records) > 0 {
		fmt.Fprintf(p.stdout, "  in Salesforce: %s\n", strings.Join(r.Records, ", "))
	}
	fmt.Fprintf(p.stdout, "  found in: %s\n  erase with: crmsync erase --item %d\n", strings.Join(r.FoundIn, ", "), r.Item)
}

// keys returns what to look for. For a phone number, that is the part that is the same with and without a country
// code.
func (c subjectCommand) keys() (email, digits string, err error) {
	if c.Email == "" && c.Phone == "" {
		return "", "", errors.New("give --email or --phone")
	}
	email = strings.TrimSpace(c.Email)
	if email != "" && !strings.Contains(email, "@") {
		return "", "", errors.New("--email: is not an e-mail address")
	}
	if c.Phone == "" {
		return email, "", nil
	}
	digits = strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, c.Phone)
	if number, err := phonenumbers.Parse(c.Phone, ""); err == nil {
		digits = phonenumbers.GetNationalSignificantNumber(number)
	}
	if digits = strings.TrimLeft(digits, "0"); len(digits) < fewestDigits {
		return "", "", fmt.Errorf("--phone: must have at least %d digits", fewestDigits)
	}
	return email, digits, nil
}
