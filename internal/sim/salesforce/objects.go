package salesforce

// Type is a field's type, by its name in Salesforce's describe.
//
// https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm
type Type string

// The types that the simulator supports.
const (
	ID            Type = "id"
	String        Type = "string"
	TextArea      Type = "textarea"
	Email         Type = "email"
	Phone         Type = "phone"
	URL           Type = "url"
	Double        Type = "double"
	Currency      Type = "currency"
	Int           Type = "int"
	Boolean       Type = "boolean"
	Date          Type = "date"
	DateTime      Type = "datetime"
	Picklist      Type = "picklist"
	MultiPicklist Type = "multipicklist"
	Reference     Type = "reference"
)

// Object is an sObject and its fields. Id, IsDeleted, CreatedDate, LastModifiedDate, LastModifiedById and
// SystemModstamp exist on every object and are not listed.
type Object struct {
	Name   string // API name; a custom object's ends in __c
	Label  string // empty: Name
	Prefix string // key prefix, the first three characters of its ids
	Fields []Field
}

// Field is a field of an object. The zero value is nullable, createable and updateable.
type Field struct {
	Name  string // API name
	Label string // used in error messages; empty: Name
	Type  Type

	// Length is the maximum length of text in characters; 0: 255, or 32,000 for a textarea.
	Length int

	Required   bool // must not be null
	ReadOnly   bool // neither createable nor updateable
	ExternalID bool // upserts and relations may refer to records by it
	Unique     bool // case-insensitive, among records that are not deleted

	Values     []string // of a picklist
	Restricted bool     // rejects values not in Values

	ReferenceTo string   // object that the reference points to
	Cascade     bool     // the record is deleted with the one it refers to; if false, the reference becomes null
	Default     any      // value on create if none is given; false for a boolean
	Joins       []string // read-only: the values of these fields, joined by spaces

	// Calculated marks a formula or roll-up summary, which is read-only. Formula returns its value for a record each
	// time the record is saved; nil: it stays null.
	Calculated bool
	Formula    func(record map[string]any) any
}

// KeyField is the external ID that Standard gives to every object except User.
const KeyField = "Monday_Item_Id__c"

var (
	leadSources = []string{"Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other", "Monday"}
	industries  = []string{"Agriculture", "Banking", "Construction", "Consulting", "Education", "Finance", "Government",
		"Healthcare", "Manufacturing", "Media", "Not For Profit", "Retail", "Technology", "Other"}
	salutations  = []string{"Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."}
	ratings      = []string{"Hot", "Warm", "Cold"}
	leadStatuses = []string{"Open - Not Contacted", "New", "Working", "Working - Contacted", "Nurturing", "Qualified",
		"Unqualified", "Closed - Converted", "Closed - Not Converted"}
	stages = []string{"Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Id. Decision Makers",
		"Perception Analysis", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"}
)

// Standard returns an org's usual objects: Lead, Account, Contact, Opportunity, User and the custom object
// Monday_Project__c, each except User with KeyField. Lead.Status, Opportunity.StageName and
// Monday_Project__c.Status__c are restricted picklists.
func Standard() []Object {
	return []Object{user(), account(), contact(), lead(), opportunity(), project()}
}

func user() Object {
	return Object{Name: "User", Label: "User", Prefix: "005", Fields: []Field{
		{Name: "Username", Type: Email, Length: 80, Required: true, Unique: true},
		{Name: "FirstName", Label: "First Name", Type: String, Length: 40},
		{Name: "LastName", Label: "Last Name", Type: String, Length: 80, Required: true},
		{Name: "Name", Label: "Full Name", Type: String, Length: 121, Joins: []string{"FirstName", "LastName"}},
		{Name: "Email", Type: Email, Length: 128, Required: true},
		{Name: "Alias", Type: String, Length: 8},
		{Name: "IsActive", Label: "Active", Type: Boolean, Default: true},
	}}
}

func account() Object {
	return Object{Name: "Account", Label: "Account", Prefix: "001", Fields: append([]Field{
		{Name: "Name", Label: "Account Name", Type: String, Required: true},
		key(), owner(), description(),
		{Name: "Type", Type: Picklist, Values: []string{"Prospect", "Customer", "Partner", "Other"}},
		{Name: "ParentId", Label: "Parent Account ID", Type: Reference, ReferenceTo: "Account"},
		{Name: "AccountNumber", Label: "Account Number", Type: String, Length: 40},
		{Name: "Phone", Type: Phone, Length: 40},
		{Name: "Fax", Type: Phone, Length: 40},
		{Name: "Website", Type: URL},
		{Name: "Industry", Type: Picklist, Values: industries},
		{Name: "Rating", Type: Picklist, Values: ratings},
		{Name: "AnnualRevenue", Label: "Annual Revenue", Type: Currency},
		{Name: "NumberOfEmployees", Label: "Employees", Type: Int},
		master("Account"),
	}, address("Billing")...)}
}

func contact() Object {
	return Object{Name: "Contact", Label: "Contact", Prefix: "003", Fields: append([]Field{
		{Name: "Salutation", Type: Picklist, Values: salutations},
		{Name: "FirstName", Label: "First Name", Type: String, Length: 40},
		{Name: "LastName", Label: "Last Name", Type: String, Length: 80, Required: true},
		{Name: "Name", Label: "Full Name", Type: String, Length: 121, Joins: []string{"FirstName", "LastName"}},
		key(), owner(), description(),
		{Name: "AccountId", Label: "Account ID", Type: Reference, ReferenceTo: "Account", Cascade: true},
		{Name: "Email", Type: Email, Length: 80},
		{Name: "Phone", Label: "Business Phone", Type: Phone, Length: 40},
		{Name: "MobilePhone", Label: "Mobile Phone", Type: Phone, Length: 40},
		{Name: "Title", Type: String, Length: 128},
		{Name: "Department", Type: String, Length: 80},
		{Name: "Birthdate", Type: Date},
		{Name: "LeadSource", Label: "Lead Source", Type: Picklist, Values: leadSources},
		{Name: "HasOptedOutOfEmail", Label: "Email Opt Out", Type: Boolean},
		master("Contact"),
	}, address("Mailing")...)}
}

func lead() Object {
	return Object{Name: "Lead", Label: "Lead", Prefix: "00Q", Fields: append([]Field{
		{Name: "Salutation", Type: Picklist, Values: salutations},
		{Name: "FirstName", Label: "First Name", Type: String, Length: 40},
		{Name: "LastName", Label: "Last Name", Type: String, Length: 80, Required: true},
		{Name: "Name", Label: "Full Name", Type: String, Length: 121, Joins: []string{"FirstName", "LastName"}},
		{Name: "Company", Type: String, Required: true},
		key(), owner(), description(),
		{Name: "Status", Type: Picklist, Required: true, Restricted: true, Values: leadStatuses, Default: leadStatuses[0]},
		{Name: "Email", Type: Email, Length: 80},
		{Name: "Phone", Type: Phone, Length: 40},
		{Name: "MobilePhone", Label: "Mobile Phone", Type: Phone, Length: 40},
		{Name: "Website", Type: URL},
		{Name: "Title", Type: String, Length: 128},
		{Name: "LeadSource", Label: "Lead Source", Type: Picklist, Values: leadSources},
		{Name: "Industry", Type: Picklist, Values: industries},
		{Name: "Rating", Type: Picklist, Values: ratings},
		{Name: "AnnualRevenue", Label: "Annual Revenue", Type: Currency},
		{Name: "NumberOfEmployees", Label: "Employees", Type: Int},
		{Name: "IsConverted", Label: "Converted", Type: Boolean, ReadOnly: true},
		{Name: "ConvertedDate", Label: "Converted Date", Type: Date, ReadOnly: true},
		{Name: "ConvertedAccountId", Label: "Converted Account ID", Type: Reference, ReferenceTo: "Account", ReadOnly: true},
		{Name: "ConvertedContactId", Label: "Converted Contact ID", Type: Reference, ReferenceTo: "Contact", ReadOnly: true},
		{Name: "ConvertedOpportunityId", Label: "Converted Opportunity ID", Type: Reference, ReferenceTo: "Opportunity", ReadOnly: true},
		master("Lead"),
	}, address("")...)}
}

func opportunity() Object {
	return Object{Name: "Opportunity", Label: "Opportunity", Prefix: "006", Fields: []Field{
		{Name: "Name", Type: String, Length: 120, Required: true},
		key(), owner(), description(),
		{Name: "AccountId", Label: "Account ID", Type: Reference, ReferenceTo: "Account", Cascade: true},
		{Name: "StageName", Label: "Stage", Type: Picklist, Required: true, Restricted: true, Values: stages},
		{Name: "CloseDate", Label: "Close Date", Type: Date, Required: true},
		{Name: "Amount", Type: Currency},
		{Name: "Probability", Label: "Probability (%)", Type: Double},
		{Name: "Type", Label: "Opportunity Type", Type: Picklist, Values: []string{"Existing Business", "New Business"}},
		{Name: "NextStep", Label: "Next Step", Type: String},
		{Name: "LeadSource", Label: "Lead Source", Type: Picklist, Values: leadSources},
	}}
}

func project() Object {
	return Object{Name: "Monday_Project__c", Label: "Monday Project", Prefix: "a0X", Fields: []Field{
		{Name: "Name", Label: "Project Name", Type: String, Length: 80, Required: true},
		key(), owner(),
		{Name: "Account__c", Label: "Account", Type: Reference, ReferenceTo: "Account"},
		{Name: "Status__c", Label: "Status", Type: Picklist, Restricted: true, Values: []string{"Planned", "Active", "On Hold", "Done"}},
		{Name: "Tags__c", Label: "Tags", Type: MultiPicklist, Values: []string{"Research", "Outreach", "Training", "Events"}},
		{Name: "Start_Date__c", Label: "Start Date", Type: Date},
		{Name: "Kickoff__c", Label: "Kickoff", Type: DateTime},
		{Name: "Budget__c", Label: "Budget", Type: Currency},
		{Name: "Hours__c", Label: "Hours", Type: Double},
		{Name: "Members__c", Label: "Members", Type: Int},
		{Name: "Public__c", Label: "Public", Type: Boolean},
		{Name: "Website__c", Label: "Website", Type: URL},
		{Name: "Email__c", Label: "Email", Type: Email, Length: 80},
		{Name: "Phone__c", Label: "Phone", Type: Phone, Length: 40},
		{Name: "Notes__c", Label: "Notes", Type: TextArea},
	}}
}

func key() Field {
	return Field{Name: KeyField, Label: "Monday Item Id", Type: String, ExternalID: true, Unique: true}
}

func owner() Field {
	return Field{Name: "OwnerId", Label: "Owner ID", Type: Reference, ReferenceTo: "User", Required: true}
}

// master returns the field with the record that a deleted one was merged into.
func master(object string) Field {
	return Field{Name: "MasterRecordId", Label: "Master Record ID", Type: Reference, ReferenceTo: object, ReadOnly: true}
}

func description() Field {
	return Field{Name: "Description", Label: "Description", Type: TextArea}
}

func address(kind string) []Field {
	return []Field{
		{Name: kind + "Street", Type: TextArea, Length: 255},
		{Name: kind + "City", Type: String, Length: 40},
		{Name: kind + "State", Type: String, Length: 80},
		{Name: kind + "PostalCode", Type: String, Length: 20},
		{Name: kind + "Country", Type: String, Length: 80},
	}
}
