package console

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"crmsync/schema/store"
	"crmsync/sfclient"
)

// found is how many items a search shows.
const foundShown = 50

// searchData is what the page of a search shows.
type searchData struct {
	Query string
	Items []store.FoundItem
	More  bool
	Ask   int64 // id of an item that the ledger does not know but Monday may; 0: none
}

// search finds items. If it finds a single one, it opens the item's page.
func (s *Console) search(r *http.Request) (view, error) {
	data := searchData{Query: clip(strings.TrimSpace(r.URL.Query().Get("q")), 300)}
	v := view{page: "search", title: "Search", data: &data}
	if data.Query == "" {
		return v, nil
	}
	q := parse(data.Query, s.Mapping.PhoneCountry)
	items, err := s.Store.SearchItems(r.Context(), q, foundShown+1)
	if err != nil {
		return v, err
	}
	if len(items) == 1 {
		return v, redirect(fmt.Sprintf("/items/%d", items[0].ItemID))
	}
	if data.More = len(items) > foundShown; data.More {
		items = items[:foundShown]
	}
	data.Items = items
	if len(items) == 0 && len(q.Items) == 1 {
		data.Ask = q.Items[0]
	}
	return v, nil
}

var (
	pulse  = regexp.MustCompile(`(?:pulses/|pulseId=|pulse_id=)(\d+)`)
	idPart = regexp.MustCompile(`[0-9A-Za-z]+`)
	phone  = regexp.MustCompile(`^[+(]?[0-9][-0-9 ().+/]*$`)
)

// parse finds out whether a text may be a name, an address, a number or an id.
func parse(text, country string) (q store.Search) {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return parseURL(text)
	}
	if strings.Contains(text, "@") {
		q.Emails = []string{strings.ToLower(text)}
		return q
	}
	if id, ok := idOf(text); ok {
		q.Items = []int64{id}
	}
	if id, ok := sfclient.ID18(text); ok {
		q.SalesforceIDs = []string{id}
	}
	if phone.MatchString(text) {
		q.Phones = phones(text, country)
		return q
	}
	q.Name = text
	return q
}

// parseURL finds the ids in an address of Monday or Salesforce.
func parseURL(text string) (q store.Search) {
	if found := pulse.FindStringSubmatch(text); found != nil {
		if id, ok := idOf(found[1]); ok {
			q.Items = []int64{id}
		}
		return q
	}
	for _, part := range idPart.FindAllString(text, -1) {
		if id, ok := sfclient.ID18(part); ok && strings.ContainsAny(part[:5], "0123456789") {
			q.SalesforceIDs = append(q.SalesforceIDs, id)
		}
	}
	return q
}

// shortestPhone is how many digits a text has at least that is looked for as a phone number.
const shortestPhone = 6

// phones returns the digits of a phone number in the forms in which it may have been entered: with and without the
// country, and with the leading zero or zeros.
func phones(text, country string) (digits []string) {
	only := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	if len(only) < shortestPhone {
		return nil
	}
	digits = []string{only, strings.TrimPrefix(only, "00")}
	if n, err := phonenumbers.Parse(text, country); err == nil {
		code, national := strconv.Itoa(int(n.GetCountryCode())), phonenumbers.GetNationalSignificantNumber(n)
		digits = append(digits, national, "0"+national, code+national, "00"+code+national, code+"0"+national)
	}
	slices.Sort(digits)
	return slices.Compact(digits)
}
