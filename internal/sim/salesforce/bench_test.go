package salesforce_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	sfsim "crmsync/internal/sim/salesforce"
)

// BenchmarkUpdate200 measures a full collection without a network.
func BenchmarkUpdate200(b *testing.B) {
	sim, token := seeded(b, 1000)
	contacts := sim.Records("Contact")
	var records []map[string]any
	for i := range 200 {
		records = append(records, map[string]any{
			"attributes": map[string]any{"type": "Contact"}, "id": contacts[i]["Id"],
			"FirstName": "Ada", "LastName": "Lovelace" + strconv.Itoa(i), "Email": fmt.Sprintf("ada%d@example.org", i),
			"Phone": "+12025550143", "Title": "Countess",
		})
	}
	body, _ := json.Marshal(map[string]any{"allOrNone": false, "records": records})
	for b.Loop() {
		if got := serve(sim, token, http.MethodPatch, "/services/data/v67.0/composite/sobjects", string(body)); got.Code != http.StatusOK {
			b.Fatal(got.Body)
		}
	}
}

// BenchmarkKeyset reads an org of 100,000 records page by page, starting in the middle.
func BenchmarkKeyset(b *testing.B) {
	sim, token := seeded(b, 100_000)
	middle := sim.Records("Contact")[50_000]
	q := fmt.Sprintf("SELECT+Id,Name,Email,SystemModstamp+FROM+Contact+WHERE+(SystemModstamp=%[1]s+AND+Id>'%[2]s')+OR+SystemModstamp>%[1]s+ORDER+BY+SystemModstamp,Id+LIMIT+2000",
		strings.Replace(middle["SystemModstamp"].(string), "+0000", "Z", 1), middle["Id"])
	for b.Loop() {
		if got := serve(sim, token, http.MethodGet, "/services/data/v67.0/query?q="+q, ""); got.Code != http.StatusOK {
			b.Fatal(got.Body)
		}
	}
}

// BenchmarkIn looks up 200 of 100,000 records by a field without an index.
func BenchmarkIn(b *testing.B) {
	sim, token := seeded(b, 100_000)
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("'ada%d@example.org'", i*400))
	}
	q := "SELECT+Id,Email+FROM+Contact+WHERE+Email+IN+(" + strings.Join(names, ",") + ")"
	for b.Loop() {
		if got := serve(sim, token, http.MethodGet, "/services/data/v67.0/query?q="+q, ""); got.Code != http.StatusOK {
			b.Fatal(got.Body)
		}
	}
}

func seeded(b *testing.B, n int) (*sfsim.Sim, string) {
	sim := sfsim.New(sfsim.Config{DailyLimit: 1 << 40})
	for i := range n {
		sim.Insert("Contact", map[string]any{
			sfsim.KeyField: strconv.Itoa(i), "FirstName": "Ada", "LastName": "Lovelace", "Email": fmt.Sprintf("ada%d@example.org", i),
		})
	}
	r := httptest.NewRequest(http.MethodPost, "/services/oauth2/token", strings.NewReader("grant_type=client_credentials&client_id=app&client_secret=s"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, r)
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		b.Fatal(err)
	}
	return sim, answer.Token
}

func serve(sim *sfsim.Sim, token, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, r)
	return w
}
