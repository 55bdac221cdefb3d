package sfclient

import "strings"

// standardObjects describes, by name, what records of standard objects have in common in all orgs, as far as
// decisions depend on it. Objects that are not listed have only IsDeleted.
//
// https://help.salesforce.com/s/articleView?id=000385203 (key prefixes)
var standardObjects = map[string]struct {
	prefix string
	fields []string
}{
	"Account":     {"001", []string{"MasterRecordId"}},
	"Campaign":    {prefix: "701"},
	"Case":        {"500", []string{"MasterRecordId"}},
	"Contact":     {"003", []string{"MasterRecordId"}},
	"Event":       {prefix: "00U"},
	"Lead":        {"00Q", []string{"MasterRecordId", "IsConverted", "ConvertedContactId", "ConvertedAccountId", "ConvertedOpportunityId"}},
	"Opportunity": {prefix: "006"},
	"Task":        {prefix: "00T"},
	"User":        {prefix: "005"},
}

// standardObject returns a description of an object that Salesforce does not describe.
func standardObject(name string) *Object {
	o := &Object{Name: name, Fields: []Field{{Name: "IsDeleted", Type: "boolean"}}}
	for known, s := range standardObjects {
		if !strings.EqualFold(known, name) {
			continue
		}
		o.KeyPrefix = s.prefix
		for _, field := range s.fields {
			o.Fields = append(o.Fields, Field{Name: field})
		}
	}
	return o
}
