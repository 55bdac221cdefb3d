package ledger

import (
	"strings"

	"crmsync/mondayclient/column"
)

// shortestPhone and longestPhone limit the digits of a text that counts as a phone number.
const (
	shortestPhone = 6
	longestPhone  = 20
)

// SearchKeys returns the keys by which people search for the item, beside its name, by column id: e-mail addresses in
// lower case, and phone numbers as digits. Text columns count if they hold nothing else.
func (i *Item) SearchKeys() map[string]string {
	keys := map[string]string{}
	for id, c := range i.Columns {
		switch c.Type {
		case column.Email, column.Phone, column.Text, column.LongText:
			if key := searchKey(c.Value); key != "" {
				keys[id] = key
			}
		}
	}
	return keys
}

func searchKey(v column.Value) string {
	text := strings.TrimSpace(v.Text)
	at := strings.IndexByte(text, '@')
	switch {
	case v.Type == column.Email, at > 0 && at < len(text)-1 && !strings.ContainsAny(text, " \t\r\n,;"):
		return strings.ToLower(text)
	case v.Type == column.Phone:
		return digits(text)
	case strings.Trim(text, "0123456789-() .+/") == "":
		if key := digits(text); len(key) >= shortestPhone && len(key) <= longestPhone {
			return key
		}
	}
	return ""
}

func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}
