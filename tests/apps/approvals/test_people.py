"""Who is who: accounts of one person, and ties to a client or a partner."""

from apps.approvals import people
from warehouse.reader import Reader


def test_two_accounts_with_one_name_are_one_person(marts: Reader) -> None:
    first, second = (people.person(marts, account) for account in ("s-fin1", "s-fin1b"))
    assert first.person_key == second.person_key
    assert first.accounts == {"s-fin1", "s-fin1b"}


def test_two_people_of_one_surname_are_two(marts: Reader) -> None:
    assert people.person(marts, "s-com1").person_key != people.person(marts, "s-com2").person_key


def test_a_member_of_staff_is_the_client_with_their_address_and_every_client_with_that_name_and_birth_date(
    marts: Reader,
) -> None:
    assert people.person(marts, "s-pay2").clients == {"c-staff", "c-twin"}


def test_what_a_client_asks_for_was_asked_for_by_the_colleague_who_is_that_client(marts: Reader) -> None:
    assert people.maker_person(marts, "client", "c-twin") == "s-pay2"
    assert people.maker_person(marts, "client", "c-good") == "client:c-good"


def test_a_maker_nobody_knows_still_has_a_key_to_compare(marts: Reader) -> None:
    assert people.maker_person(marts, "staff", "s-unheard-of") == "staff:s-unheard-of"
    assert people.maker_person(marts, None, None) == "system:unknown"


def test_the_clients_partner_may_not_decide_on_the_client(marts: Reader) -> None:
    tied = people.clients_in_conflict(marts, people.person(marts, "s-pay3"))
    assert set(tied) == {"c-partner", "c-good"}
    assert "partner" in tied["c-good"]


def test_somebody_who_is_no_client_is_tied_to_nobody(marts: Reader) -> None:
    pia = people.person(marts, "s-pay1")
    assert not people.clients_in_conflict(marts, pia)
    assert not people.partners_in_conflict(marts, pia)


def test_an_address_names_its_active_account_and_an_unknown_one_nobody(marts: Reader) -> None:
    found = people.by_email(marts, " PIA@broker.example ")
    assert found is not None
    assert found.staff_id == "s-pay1"
    assert people.by_email(marts, "leo@broker.example") is None
    assert people.by_email(marts, "nobody@broker.example") is None


def test_an_id_without_a_staff_record_is_refused_with_the_command(marts: Reader) -> None:
    try:
        people.person(marts, "s-ghost")
    except people.UnknownPerson as error:
        assert "daybook run" in str(error)
    else:
        raise AssertionError("an unknown person was found")
