package words

import "testing"

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0: "0", 999: "999", 1000: "1,000", 12345678: "12,345,678", -999: "-999", -1000: "-1,000", -123456: "-123,456",
	} {
		if got := Number(n); got != want {
			t.Errorf("Number(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	for want, words := range map[string][]string{
		"": nil, "A": {"A"}, "A and B": {"A", "B"}, "A, B and C": {"A", "B", "C"},
	} {
		if got := List(words, " and "); got != want {
			t.Errorf("List(%v) = %q, want %q", words, got, want)
		}
	}
}
