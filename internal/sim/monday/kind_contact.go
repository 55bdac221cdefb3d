package monday

import (
	_ "embed"
	"net/mail"
	"net/url"
	"strings"
)

// countries has one line per country: its ISO 3166-1 alpha-2 code, a space, its name.
//
//go:embed countries.txt
var countries string

// email is an address and its displayed text.
type email struct{ address, label string }

func parseEmail(_ *write, raw object) (content, error) {
	address, label, err := two(raw, "email", "text")
	if err != nil || address == "" {
		return nil, err
	}
	return newEmail(address, label)
}

func plainEmail(_ *write, text string) (content, error) {
	address, label, _ := strings.Cut(text, " ")
	return newEmail(address, label)
}

func newEmail(address, label string) (content, error) {
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
		return nil, errForm
	}
	if label == "" {
		label = address
	}
	return email{address, label}, nil
}

func (c email) text() string { return c.label }
func (c email) stored(at string) any {
	return object{"email": c.address, "text": c.label, "changed_at": at}
}
func (c email) hooked(at string) any { return c.stored(at) }

func (c email) field(name string) any {
	switch name {
	case "email":
		return c.address
	case "label":
		return c.label
	}
	return nil
}

// phone is a number as entered, and the country whose flag is displayed.
type phone struct{ number, country string }

func parsePhone(_ *write, raw object) (content, error) {
	number, country, err := two(raw, "phone", "countryShortName")
	if err != nil || number == "" {
		return nil, err
	}
	return newPhone(number, country)
}

func plainPhone(_ *write, text string) (content, error) {
	number, country, _ := strings.Cut(text, " ")
	return newPhone(number, country)
}

func newPhone(number, country string) (content, error) {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("+-() .", r) {
			return -1
		}
		return r
	}, number)
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return nil, errForm
	}
	if country != "" && countryName(country) == "" {
		return nil, errForm
	}
	return phone{number, country}, nil
}

func (c phone) text() string { return c.number }
func (c phone) stored(at string) any {
	return object{"phone": c.number, "countryShortName": c.country, "changed_at": at}
}
func (c phone) hooked(at string) any { return c.stored(at) }

func (c phone) field(name string) any {
	switch name {
	case "phone":
		return c.number
	case "country_short_name":
		return orNil(c.country)
	}
	return nil
}

// link is a URL and its displayed text.
type link struct{ address, label string }

func parseLink(_ *write, raw object) (content, error) {
	address, label, err := two(raw, "url", "text")
	if err != nil || address == "" {
		return nil, err
	}
	return newLink(address, label)
}

func plainLink(_ *write, text string) (content, error) {
	address, label, _ := strings.Cut(text, " ")
	return newLink(address, label)
}

func newLink(address, label string) (content, error) {
	if u, err := url.Parse(address); err != nil || u.Scheme == "" {
		return nil, errForm
	}
	return link{address, label}, nil
}

func (c link) text() string {
	if c.label == "" || c.label == c.address {
		return c.address
	}
	return c.label + " - " + c.address
}

func (c link) stored(at string) any {
	return object{"url": c.address, "text": c.label, "changed_at": at}
}
func (c link) hooked(at string) any { return c.stored(at) }

func (c link) field(name string) any {
	switch name {
	case "url":
		return c.address
	case "url_text":
		return c.label
	}
	return nil
}

// country is a country with its code and English name, which must match.
type country struct{ code, name string }

func parseCountry(_ *write, raw object) (content, error) {
	code, name, err := two(raw, "countryCode", "countryName")
	if err != nil || code == "" && name == "" {
		return nil, err
	}
	return newCountry(code, name)
}

// plainCountry parses a code and a name, separated by one character.
func plainCountry(_ *write, text string) (content, error) {
	if len(text) < len("US ?") {
		return nil, errForm
	}
	return newCountry(text[:2], text[3:])
}

func newCountry(code, name string) (content, error) {
	if name == "" || countryName(code) != name {
		return nil, errForm
	}
	return country{code, name}, nil
}

// countryName returns the name of a code in capitals, or "" if it is unknown.
func countryName(code string) string {
	if len(code) != 2 {
		return ""
	}
	_, rest, _ := strings.Cut("\n"+countries, "\n"+code+" ")
	name, _, _ := strings.Cut(rest, "\n")
	return name
}

func (c country) text() string { return c.name }
func (c country) stored(at string) any {
	return object{"countryCode": c.code, "countryName": c.name, "changed_at": at}
}
func (c country) hooked(at string) any { return c.stored(at) }

func (c country) field(name string) any {
	if name != "country" {
		return nil
	}
	return record{name: "Country", fields: object{"code": c.code, "name": c.name}}
}
