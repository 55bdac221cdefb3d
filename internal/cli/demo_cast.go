package cli

import (
	"fmt"
	"strings"
)

// The names of the demo's people and companies.
var (
	demoFirstNames = strings.Fields(`Ada Amara Ana Ben Carmen Chidi Clara Dana David Elena Emeka Fatima Felix Grace Hana Hugo Ines
		Isaac Jamal Joana Kofi Lena Leo Lucia Malik Maria Mei Nadia Noah Olga Omar Priya Rafael Rosa Samir Sofia Tariq Uma Victor Yuki`)
	demoLastNames = strings.Fields(`Adeyemi Alvarez Bauer Bennett Castro Chen Costa Diallo Dubois Eriksen Farouk Fischer Garcia Gupta
		Haddad Hughes Ito Jensen Kaplan Kim Lindgren Lopez Mensah Meyer Moreau Nakamura Novak Okafor Osei Park Patel Reyes Rossi Santos
		Schmidt Silva Tanaka Torres Walker Weber`)
	demoPlaces = []string{"Harbor", "Maple Street", "Green Valley", "Riverside", "Lakeview", "Northside", "Cedar Hill", "Sunrise", "Old Town",
		"Prairie", "Bayfront", "Stonebridge"}
	demoTrades = []string{"Food Bank", "Community Clinic", "Youth Center", "Library Friends", "Housing Trust", "Books", "Bakery", "Credit Union",
		"Theater", "Logistics", "Software", "Animal Shelter"}
	demoNotes = []string{"We would like to sponsor the spring gala.", "Can you train twenty of our volunteers?", "Please call in the afternoon.",
		"Heard of you at the county fair.", "Interested in a mentoring partnership for our staff."}
)

// demoPerson is the nth person; no two of the first 1,600 have the same name.
func demoPerson(n int) string {
	first, last := len(demoFirstNames), len(demoLastNames)
	return demoFirstNames[n%first] + " " + demoLastNames[(7*n+n/first)%last]
}

// demoCompany is the nth company; no two of the first 144 have the same name.
func demoCompany(n int) string {
	places, trades := len(demoPlaces), len(demoTrades)
	return demoPlaces[n%places] + " " + demoTrades[(n+n/places)%trades]
}

// demoMailbox is a person's address at a company, as a column's value.
func demoMailbox(person, company string) map[string]any {
	dotted := strings.NewReplacer(" ", ".")
	address := strings.ToLower(dotted.Replace(person) + "@" + strings.ReplaceAll(company, " ", "") + ".example")
	return map[string]any{"email": address, "text": address}
}

// demoPhone is a number as different people type it, as a column's value.
func demoPhone(n int) map[string]any {
	area, line := 200+(37*n)%700, 100+n%100
	typed := []string{"(%d) 555-0%d", "%d-555-0%d", "+1 %d 555 0%d", "%d.555.0%d"}[n%4]
	return map[string]any{"phone": fmt.Sprintf(typed, area, line), "countryShortName": "US"}
}

// demoLabel is a value of a status column.
func demoLabel(text string) map[string]any { return map[string]any{"label": text} }
