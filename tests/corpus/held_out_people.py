"""People and texts of the held-out corpus: written in one go, not tuned afterwards."""

from __future__ import annotations

from datetime import date
from typing import Final

from tests.corpus.people import Hospital, Person

_CORK = Hospital(
    *("St. Brendan's Infirmary", "SBI", "X-Ray", "Harbour Street 2", "+353 21 555 0170"),
    *("SBI-XR-9", "O'Halloran^Niamh", "Dr O'Halloran", "Fitzgibbon^Tom", "Breathnach^Cian"),
    *("Kinsella^Orla", "Mr. Prendergast"),
)
_GRAZ = Hospital(
    *("Landesklinik Steinbruck", "LKS", "Nuklearmedizin", "Grazer Straße 19", "0316 5550-77"),
    *("LKSNM01", "Österreicher^Günther", "OA Dr. Österreicher", "Pichlmayr^Eva"),
    *("Tschurtschenthaler^Leo", "Nussbaumer^Resi", "Frau Dr. Hinterleitner"),
)
_LYON = Hospital(
    *("Clinique des Bleuets", "CDB", "Scanner", "27 avenue Foch", "04 72 55 50 10"),
    *("CDBSCAN2", "Chevrolier^Aurélie", "Docteur Chevrolier", "Poncelet^Luc", "Vasseur^Anne"),
    *("Guillaumin^Zoé", "Mme Rochefort"),
)
_SEVILLA = Hospital(
    *("Hospital Virgen del Rosal", "HVR", "Hemodinámica", "Avenida de la Paz 3", "954 555 019"),
    *("HVRXA2", "Cebrián^Tomás", "Dr. Cebrián", "Quintero^Luz", "Arrieta^Ignacio"),
    *("Zamorano^Pilar", "Dra. Villalobos"),
)
_TORINO = Hospital(
    *("Clinica Monviso", "CMV", "Risonanza", "Corso Regina 210", "011 555 8890"),
    *("CMVRM15", "Ghirlanda^Edoardo", "Prof. Ghirlanda", "Bonfanti^Ugo", "Cattaneo^Mara"),
    *("Sartori^Nives", "Dott. Mastroianni"),
)
_GDANSK = Hospital(
    *("Szpital Morski", "SZM", "Tomografia", "ul. Portowa 6", "58 555 12 00"),
    *("SZMTK1", "Wójcicka^Łucja", "Dr Wójcicka", "Żebrowski^Jan", "Ślusarczyk^Ewa"),
    *("Gąsiorowski^Marek", "Prof. Błaszczykowski"),
)

CAST: Final = (
    Person(
        *("sullivan", "en", (), "O'Sullivan^Fionnuala", "F", date(1953, 9, 8), "SB-4410027"),
        *("1234567TA", "087 555 0143", "fos@example.ie", "17 Quay Lane"),
        hospital=_CORK,
    ),
    Person(
        *("gruber", "de", ("ISO_IR 100",), "Höfinger-Gruber^Käthe", "F", date(1946, 2, 27)),
        *("20187733", "SV 5510 270246", "0664 5550991", "kaethe.hg@example.at"),
        *("Am Ring 41", _GRAZ),
    ),
    Person(
        *("leguen", "fr", ("ISO_IR 192",), "Le Guen^Anne-Cécile", "F", date(1988, 12, 19)),
        *("CB0099120", "288127755512345", "07 55 50 12 34", "ac.leguen@example.fr"),
        *("8 quai Perrache", _LYON),
    ),
    Person(
        *("ortuno", "es", ("ISO_IR 100",), "Ortuño Peñaranda^Íñigo", "M", date(1969, 4, 3)),
        *("HC5500812", "44455566X", "655 550 112", "iortuno@example.es", "Calle Sierpes 77"),
        hospital=_SEVILLA,
    ),
    Person(
        *("dangelo", "it", ("ISO_IR 100",), "D'Angelo^Pierluigi", "M", date(1977, 7, 7)),
        *("CM-330081", "DNGPLG77L07L219Z", "349 5550177", "pdangelo@example.it"),
        *("Via Po 3", _TORINO),
    ),
    Person(
        *("zielinska", "en", ("ISO_IR 101",), "Zielińska^Małgorzata", "F", date(1961, 10, 30)),
        *("PL610042", "61103055512", "+48 601 555 010", "mz@example.pl", "ul. Polna 9"),
        hospital=_GDANSK,
    ),
)

TEXTS: Final = {
    "en": {
        "line": (
            "[Knee R AP/LAT weight bearing] ({last})",
            "[Angio Abd. Aorta + runoff] {seen}",
            "{caps}: [Cerv. spine flex/ext]",
            "[FUP NSCLC, RECIST 1.1] for {doctor}",
            "[Bone scan Tc-99m MDP 740 MBq] #{mrn}",
        ),
        "story": (
            (
                "Pt {full}, dob {dob}, was seen on {seen} by {doctor} ({abbr}). "
                "[Mild degenerative change of the medial compartment.] Ring {tel} before discharge."
            ),
            (
                "[No pneumothorax. Heart size normal.] cc {other_doctor}; copy to {mail}. "
                "[Paget disease of the pelvis, stable.] Home: {home}."
            ),
            (
                "[Scan delayed 20 min because of claustrophobia.] Staff: {tech}. Chart {second}, "
                "accession {acc}. [T1 post Gd axial and coronal.]"
            ),
        ),
    },
    "de": {
        "line": (
            "[Skelettszintigraphie 3-Phasen] {last}",
            "[Schilddrüse, Tc-99m] vom {seen}",
            "[Rö Hüfte bds. a.p.] / {doctor}",
            "{caps} [NNH nativ low dose]",
        ),
        "story": (
            (
                "Fr. {last}, {dob}, Aufnahmezahl {mrn}: [Mehrspeicherung im 5. LWK rechts.] "
                "Rücksprache mit {other_doctor}, Telefon {tel}."
            ),
            (
                "[Kein Nachweis ossärer Filiae.] {clinic}. Durchgeführt {tech}. "
                "[Aktivität 650 MBq, Messbeginn 3 h p.i.] E-Mail {mail}"
            ),
        ),
    },
    "fr": {
        "line": (
            "[Scanner des sinus] {last}",
            "[TAP injecté, bilan d'extension] {seen}",
            "[Genou gauche F/P] - {doctor}",
        ),
        "story": (
            (
                "Mme {full}, née le {dob_words}, dossier {mrn}. "
                "[Épanchement pleural gauche minime.] "
                "Appelée au {tel}."
            ),
            (
                "[Stéatose hépatique modérée.] Dicté par {other_doctor}, {clinic}. "
                "[Pas d'adénopathie axillaire.] Adresse {home}."
            ),
        ),
    },
    "es": {
        "line": (
            "[Coronariografía, acceso radial dcho.] {last}",
            "[TAC abdomen y pelvis c/c] {seen}",
            "[Rx tórax PA y lateral] ({abbr})",
        ),
        "story": (
            (
                "D. {full}, nacido el {dob_words}, historia {mrn}. "
                "[Estenosis del 70% en DA media.] "
                "Avisar a {other_doctor}."
            ),
            (
                "[Función sistólica conservada, FEVI 60%.] Enfermera {tech}, {clinic}. "
                "[Sin complicaciones.] Móvil {tel}, {mail}."
            ),
        ),
    },
    "it": {
        "line": (
            "[RM ginocchio sin.] {last}",
            "[Angio-RM TSA] del {seen}",
            "[Rachide L-S, STIR sag] - {doctor}",
        ),
        "story": (
            (
                "Paz. {full}, n. {dob}, cartella {mrn}. [Lesione del menisco mediale, grado III.] "
                "Inviato da {doctor}."
            ),
            (
                "[Regolare segnale del midollo osseo.] Refertato: {other_doctor}, {clinic}. "
                "[Protrusione L4-L5.] Cell. {tel}; {home}."
            ),
        ),
    },
}
