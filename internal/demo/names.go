package demo

import (
	"fmt"
	"strings"
)

// Names of the demo's people and companies.
var (
	firstNames = strings.Fields(`Ada Amara Ana Ben Carmen Chidi Clara Dana David Elena Emeka Fatima Felix Grace Hana Hugo Ines
		Isaac Jamal Joana Kofi Lena Leo Lucia Malik Maria Mei Nadia Noah Olga Omar Priya Rafael Rosa Samir Sofia Tariq Uma Victor Yuki`)
	lastNames = strings.Fields(`Adeyemi Alvarez Bauer Bennett Castro Chen Costa Diallo Dubois Eriksen Farouk Fischer Garcia Gupta
		Haddad Hughes Ito Jensen Kaplan Kim Lindgren Lopez Mensah Meyer Moreau Nakamura Novak Okafor Osei Park Patel Reyes Rossi Santos
		Schmidt Silva Tanaka Torres Walker Weber`)
	places = []string{"Harbor", "Maple Street", "Green Valley", "Riverside", "Lakeview", "Northside", "Cedar Hill",
		"Sunrise", "Old Town",
		"Prairie", "Bayfront", "Stonebridge"}
	trades = []string{"Food Bank", "Community Clinic", "Youth Center", "Library Friends", "Housing Trust", "Books",
		"Bakery", "Credit Union",
		"Theater", "Logistics", "Software", "Animal Shelter"}
	notes = []string{"We would like to sponsor the spring gala.", "Can you train twenty of our volunteers?",
		"Please call in the afternoon.",
		"Heard of you at the county fair.", "Interested in a mentoring partnership for our staff."}
)

// personName returns the name of the nth person; the first 1,600 are distinct.
func personName(n int) string {
	first, last := len(firstNames), len(lastNames)
	return firstNames[n%first] + " " + lastNames[(7*n+n/first)%last]
}

// companyName returns the name of the nth company; the first 144 are distinct.
func companyName(n int) string {
	return places[n%len(places)] + " " + trades[(n+n/len(places))%len(trades)]
}

// mailboxValue returns a person's address at a company as a column value.
func mailboxValue(person, company string) map[string]any {
	dotted := strings.NewReplacer(" ", ".")
	address := strings.ToLower(dotted.Replace(person) + "@" + strings.ReplaceAll(company, " ", "") + ".example")
	return map[string]any{"email": address, "text": address}
}

// phoneValue returns a number, in one of the formats people use, as a column value.
func phoneValue(n int) map[string]any {
	area, line := 200+(37*n)%700, 100+n%100
	typed := []string{"(%d) 555-0%d", "%d-555-0%d", "+1 %d 555 0%d", "%d.555.0%d"}[n%4]
	return map[string]any{"phone": fmt.Sprintf(typed, area, line), "countryShortName": "US"}
}

// labelValue returns a value of a status column.
func labelValue(text string) map[string]any { return map[string]any{"label": text} }
