package migration

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

const (
	accountsBoard, contactsBoard int64 = 1001, 1002

	keyField = "Monday_Item_Id__c"
)

// twoBoards is a mapping with a link, labels, name parts, and a column that only migrations fill.
const twoBoards = `
version: 1
defaults: { phone_country: US }
boards:
  contacts:
    board: 1002
    migrate: { record: contact, where: "Email != null", group: imported, columns: { text_note: Description } }
    records:
      contact:
        object: Contact
        id_column: text_sfid
        fields:
          FirstName: { from: name, as: first_name }
          LastName: { from: name, as: last_name }
          Email: email
          Title: { from: status, labels: { Boss: Head, Clerk: Staff } }
          AccountId: { from: connect_account, link: accounts.account }
  accounts:
    board: 1001
    migrate: { record: account }
    records:
      account:
        object: Account
        id_column: text_sfid
        fields: { Name: name, Phone: phone, Website: website }
`

func parse(t testing.TB, text string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func migrationOf(t testing.TB, board int64) *mapping.Migration {
	t.Helper()
	return parse(t, twoBoards).Board(board).Migration
}

// contactTypes are the types of the columns of the board of contacts.
func contactTypes() map[string]column.Type {
	return map[string]column.Type{
		"email": column.Email, "status": column.Status, "connect_account": column.BoardRelation, "text_note": column.LongText, "text_sfid": column.Text,
	}
}

// ID of the n-th account and contact.
func accountID(n int) string { return id18(fmt.Sprintf("001%012d", n)) }
func contactID(n int) string { return id18(fmt.Sprintf("003%012d", n)) }

func id18(id string) string {
	whole, ok := sfclient.ID18(id)
	if !ok {
		panic(id)
	}
	return whole
}

const stamp = "2026-09-01T10:00:00.000Z"

// contact returns a record with the values that its fields have as columns.
func contact(n int, values map[string]column.Value) *record {
	return &record{id: contactID(n), stamp: stamp, fields: sfclient.Record{}, values: values, match: unmatched{}}
}

func textValue(s string) column.Value   { return column.Value{Type: column.Text, Text: s} }
func emailValue(s string) column.Value  { return column.Value{Type: column.Email, Text: s} }
func statusValue(s string) column.Value { return column.Value{Type: column.Status, Text: s} }
func noteValue(s string) column.Value   { return column.Value{Type: column.LongText, Text: s} }
func linkValue(ids ...int64) column.Value {
	return column.Value{Type: column.BoardRelation, IDs: ids}
}

// rejectedValue returns Monday's rejection of a value, which may name the column.
func rejectedValue(id string) error {
	return &mondayclient.Error{Status: 200, Code: "ColumnValueException", Column: id, Single: true}
}

// noGroup returns a rejection that no other value would prevent.
func noGroup() error {
	return &mondayclient.Error{Status: 200, Code: "ResourceNotFoundException", Single: true}
}

// busy is an error that asks to wait.
func busy() error {
	return &mondayclient.Error{Status: 429, Code: "RATE_LIMIT_EXCEEDED", Wait: 3 * time.Second, Single: true}
}

// same fails the test where two values differ.
func same(t *testing.T, what string, want, got any, options ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, options...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
