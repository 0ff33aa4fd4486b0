"""What hospitals write into free text, in seven languages, as templates of `wording`.

Five slots: `study` and `series` descriptions (at most 64 characters), `protocol` names, `reason`
(one line of at most 64 characters) and `comment` (several lines). The phrases in brackets are what
research needs: anatomy, technique, findings, eponyms and abbreviations that look like names or
titles. `terse` has what can stand in 16 characters.
"""

from __future__ import annotations

from typing import Final

SLOTS: Final = ("study", "series", "protocol", "reason", "comment")

_ENGLISH: Final = {
    "study": (
        "[CT/Head w/o Contrast]",
        "{family}-[CT Chest/Abd/Pelvis w/ IV contrast]",
        "[MRI BRAIN] for {caret} {birth}",
        "[PET/CT Skull Base to Mid-Thigh] {initial} MRN {id_bare}",
        "{upper} - [XR Chest 2 Views] {day_short}",
        "[US Abdomen Complete] ({accession})",
    ),
    "series": (
        "[Axial 5.0 mm STD]",
        "[AX T2 FLAIR] {flat}",
        "{joined}_[WB CTAC 3.75]",
        "[Lung 1.25mm] {titled}",
        "[Cor MIP 10/5] {day_digits}",
        "[SAG T1 C3-C7] ID {id}",
    ),
    "protocol": (
        "[t1_mprage_sag_p2_iso]",
        "[6.1 CHEST ROUTINE] {short}",
        "[ep2d_diff_3scan_trace_p2] {station}",
        "[WB FDG 90s/bed]",
    ),
    "reason": (
        "[r/o PE, s/p R TKA] 2 wks, call {hospital_phone}",
        "[Hodgkin lymphoma stage IIB] - {natural}",
        "[MS follow-up, new T2 lesions?] per {titled}",
        "[Crohn disease, rule out abscess] acc {accession}",
        "[Baker cyst L knee] DOB {birth_short}",
    ),
    "comment": (
        (
            "Patient {natural} ({birth_long}), MRN {id}, called {phone} on {day_short}. "
            "[No acute intracranial hemorrhage.] Discussed with {titled} at {hospital_phone}."
        ),
        (
            "[Bosniak IIF cyst 14 mm, unchanged.] Reviewed by {stranger}. Mail {mail}. "
            "[Graves disease, Wilson disease excluded.]"
        ),
        (
            "[Contrast: 100 mL iohexol 350 at 3 mL/s.] IV by {operator}, {department}, {hospital}. "
            "Lives at {address}. [eGFR 74 mL/min/1.73 m2.] Other ID {other_id}, see {url} or {ip}."
        ),
        (
            "{caret} [tolerated the examination well.] Admission {admission}, order {order}. "
            "Referred by {referring}. [Deauville score 2.]"
        ),
    ),
}
_GERMAN: Final = {
    "study": (
        "{titled} / {short} / [THORAX PA]",
        "[CT Thorax/Abdomen mit KM] {family}",
        "[MRT Schädel nativ] {comma} {birth_short}",
        "[Bestrahlungsplanung Prostata] {translit}",
    ),
    "series": (
        "[Abdomen portalvenös 3.0 B30f] {last_initial}",
        "[Lunge 1.0 I70f] Pat.-Nr. {id}",
        "[MPR kor. 3 mm] {day_short}",
    ),
    "protocol": ("[Thorax_KM_Standard] {short}", "[RT_Becken 120 kV]", "[Planungs-CT Becken 3 mm]"),
    "reason": (
        "[Z.n. Prostatektomie, PSA-Anstieg] Fall {admission}",
        "[V.a. Morbus Bechterew] geb. {birth_short}",
        "[Metastasen? LWS L4/L5 li.] Zuw. {titled}",
    ),
    "comment": (
        (
            "Herr {family}, geb. am {birth_long}, wohnhaft {address}, Tel. {phone}. "
            "[Unauffälliger Befund beidseits, kein Hinweis auf ein Rezidiv.] {stranger} informiert."
        ),
        (
            "[Aufnahme in tiefer Inspiration.] Untersucht von {operator}, {department}, {day_long}"
            ". "
            "[Kontrastmittel: 80 ml Imeron 350.] Überweisung {referring}, {hospital}."
        ),
        "[Bestrahlung 60 Gy in 30 Fraktionen.] Patient {natural}, ID {id}, {mail}.",
    ),
}
_FRENCH: Final = {
    "study": (
        "[IRM cérébrale sans et avec injection] {family}",
        "[TDM thoraco-abdomino-pelvien] {day_short}",
        "{titled} - [IRM du genou droit]",
    ),
    "series": (
        "[AX T1 GADO] {natural}",
        "[SAG DP FATSAT] {short}",
        "[COR STIR 3 mm] né {birth_short}",
    ),
    "protocol": ("[t2_tse_tra_320_p2]", "[ep2d_diff_b0_b1000] {station}", "[T1 MPRAGE gado]"),
    "reason": (
        "[Bilan SEP, poussée récente] adressé par {titled}",
        "[Suspicion de maladie de Crohn] IPP {id}",
        "[Céphalées, ATCD d'AVC] tél {hospital_phone}",
    ),
    "comment": (
        (
            "M. {family}, né le {birth_long}, NIR {other_id}. "
            "[Pas de prise de contraste pathologique.] "
            "Examen relu par {stranger} le {day_short}."
        ),
        (
            "[Injection de 15 mL de Dotarem sans incident.] Manipulateur {operator}, {hospital}, "
            "{department}. Domicile : {address}. "
            "[Atrophie hippocampique gauche, Scheltens 2.] {phone}"
        ),
    ),
}
_SPANISH: Final = {
    "study": (
        "[Mamografía bilateral] {family}",
        "[RM de columna lumbar] {day_short}",
        "[TC craneal sin contraste] NHC {id}",
    ),
    "series": ("[R-MLO] {given} {family}", "[L-CC] {short}", "[Proyección lateral izq.]"),
    "protocol": ("[Cribado 2 proyecciones] {short}", "[Mama densa CC/MLO]"),
    "reason": (
        "[Nódulo en mama izquierda] solicita {titled}",
        "[Control BI-RADS 3] DNI {other_id}",
        "[Antecedente de carcinoma ductal] tel. {hospital_phone}",
    ),
    "comment": (
        (
            "Sra. {natural}, nacida el {birth_long}, domicilio {address}. "
            "[Sin microcalcificaciones agrupadas.] Informado por {stranger} el {day_short}."
        ),
        (
            "[BI-RADS 2, hallazgos benignos.] Técnico {operator}, {department}, {hospital}. "
            "[Densidad mamaria tipo C.] Contacto {phone}, {mail}."
        ),
    ),
}
_PORTUGUESE: Final = {
    "study": (
        "[Ecografia abdominal] {family}",
        "[TC do tórax com contraste] {day_short}",
        "[RM crânio-encefálica] utente {id}",
    ),
    "series": ("[Fígado, lobo direito] {last_initial}", "[Rim esq. longitudinal] {short}"),
    "protocol": ("[Abdómen adulto C5-1] {station}", "[Geral abdominal]"),
    "reason": (
        "[Cólica renal direita] pedido por {titled}",
        "[Esteatose hepática, seguimento] SNS {other_id}",
    ),
    "comment": (
        (
            "Sr. {natural}, nascido a {birth_long}, morada {address}. "
            "[Vesícula sem cálculos, vias biliares não dilatadas.] Dr. {referring}, {hospital}."
        ),
        (
            "[Rins de dimensões normais.] Realizado por {operator} em {day_short}. "
            "[Baço com 11 cm.] Contactar {phone} ou {stranger}."
        ),
    ),
}
_ITALIAN: Final = {
    "study": (
        "[TC torace senza e con mdc] {family}",
        "[RM encefalo] {natural} {birth_short}",
        "{titled} [TC addome completo]",
    ),
    "series": ("[Parenchima 1.0 Br64] {last_initial}", "[Arteriosa 2 mm] {id}", "[MPR coronale]"),
    "protocol": ("[Torace HRCT] {short}", "[Addome trifasico 120 kV]"),
    "reason": (
        "[Nodulo polmonare LSD 8 mm] richiede {titled}",
        "[Esiti di lobectomia destra] C.F. {other_id}",
    ),
    "comment": (
        (
            "Sig. {natural}, nato il {birth_long}, residente in {address}. "
            "[Non versamento pleurico.] Referto {stranger} del {day_short}."
        ),
        (
            "[Somministrati 90 ml di mdc iodato.] TSRM {operator}, {department}, {hospital}. "
            "[Linfonodi mediastinici nei limiti.] Tel. {phone}."
        ),
    ),
}
_DUTCH: Final = {
    "study": (
        "[MRI hersenen met contrast] {family}",
        "[CT thorax/abdomen] {day_short}",
        "{titled} [MRI knie rechts]",
    ),
    "series": ("[T2 FLAIR transversaal] {initial}", "[DWI b1000] {short}", "[3D T1 sagittaal]"),
    "protocol": ("[Hersenen_MS_controle] {short}", "[sT1W_3D_TFE]"),
    "reason": (
        "[Verdenking MS, visusklachten] aanvrager {titled}",
        "[Controle schwannoom links] BSN {other_id}",
    ),
    "comment": (
        (
            "Mevr. {family}, geb. {birth_short}, wonend {address}. "
            "[Geen aankleurende laesies, geen diffusierestrictie.] Verslag {stranger} {day_long}."
        ),
        (
            "[Gadolinium 7,5 ml zonder reactie.] Laborant {operator}, {department}, {hospital}. "
            "[Fazekas 1.] Tel {phone}, mail {mail}."
        ),
    ),
}
PHRASES: Final = {
    "en": _ENGLISH,
    "de": _GERMAN,
    "fr": _FRENCH,
    "es": _SPANISH,
    "pt": _PORTUGUESE,
    "it": _ITALIAN,
    "nl": _DUTCH,
}
# Texts in the writing of the patient's own name; the rest of the record is in English.
NATIVE: Final = {
    "yamada": ("[胸部CT 造影] {ideographic}", "[頭部MRI] {phonetic}"),
    "hong": ("[복부 CT] {phonetic}", "[뇌 MRI] {phonetic}"),
    "wang": ("[胸部CT平扫] {ideographic}", "[腹部增强CT] {ideographic}"),
    "petrov": ("[КТ органов грудной клетки] {family}", "[Рентген лёгких] {natural}"),  # noqa: RUF001
    "head": ("[CT HEAD] {upper}", "[MRI Head and Neck] MRN {id}"),
}
