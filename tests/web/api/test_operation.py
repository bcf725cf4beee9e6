from legacy_chat.web.api.operation import Operations


def test_an_operation_is_described_by_what_it_does():
    operations = Operations()

    @operations("GET", "/tea", "rooms")
    def make_tea(call):
        """Make tea

        With milk, where
        there is some.
        """

    [operation] = operations
    assert (operation.name, operation.summary) == ("make_tea", "Make tea")
    assert operation.description == "With milk, where there is some."
    assert operation.run is make_tea
