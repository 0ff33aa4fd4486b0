# ruff: noqa: RUF001 - names and texts in other scripts
"""Descriptions with what must be left of them, written before they were first cleaned.

Groups of one patient each: what the headers say, then lines of text and remainder, parted by ->. A
line without a remainder must not be touched. At first contact 215 of 237 remainders were as written
here; ten others left ordinary words that identify nobody (done, examen, Osp.), as they do now.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Group(NamedTuple):
    """Header values as pairs of harvest and value, and lines: the text, and what is left of it."""

    headers: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, str], ...]


def _group(headers: tuple[tuple[str, str], ...], text: str) -> Group:
    lines = [line.strip().partition(" -> ") for line in text.strip().splitlines()]
    return Group(headers, tuple((line, rest if arrow else line) for line, arrow, rest in lines))


ENGLISH: Final = _group(
    (
        ("name", "Okonkwo^Grace^Ifeoma"),
        ("name", "Whitfield^Thomas^^Dr"),
        ("patient", "A-0093847"),
        ("identifier", "ACC2210459"),
        ("identifier", "(617) 555-0142"),
        ("date", "19710609"),
        ("date", "20220314"),
        ("phrase", "St. Brigid Regional Medical Center"),
        ("phrase", "14 Harbour View Road, Quincy, MA 02169"),
    ),
    """
    CT ABD/PELVIS W CONTRAST - OKONKWO, GRACE I -> CT ABD/PELVIS W CONTRAST
    Okonkwo G. follow up lung nodule RUL 6 mm -> follow up lung nodule RUL 6 mm
    MRI knee Lt, ref Dr Whitfield -> MRI knee Lt
    Grace Okonkwo MRN A0093847 CTA chest -> CTA chest
    CXR PA/LAT DOB 06/09/1971 -> CXR PA/LAT
    CXR PA/LAT dob 9-Jun-71 -> CXR PA/LAT
    US thyroid acc# ACC2210459 -> US thyroid
    Call 617-555-0142 with results; MR brain w/wo -> with results; MR brain w/wo
    okonkwo_grace_T2_FLAIR_ax -> T2_FLAIR_ax
    T1 MPRAGE sag [Okonkwo^Grace] -> T1 MPRAGE sag
    St Brigid RMC - Low dose lung screening -> RMC - Low dose lung screening
    Screening mammogram 3D 2022-03-14 -> Screening mammogram 3D
    XR Hand 3V R (pt: Okonkwo) -> XR Hand 3V R
    CT Head done 3/14/22 at 14:35 -> CT Head done
    Mrs. Okonkwo: abdominal pain, r/o appendicitis -> abdominal pain, r/o appendicitis
    0093847 pre-op chest -> pre-op chest
    Nuc Med bone scan / Whitfield T MD -> Nuc Med bone scan
    Fax report to 617 555 0142 - stroke protocol -> Fax report stroke protocol
    email g.okonkwo@example.org DEXA hip -> DEXA hip
    IVC filter check, 14 Harbour View Road -> IVC filter check
    GRACE score 142, CTCA -> score 142, CTCA
    CT ABD/PELV W IV+PO CONTRAST
    MRI L-SPINE W/O
    AX T2 FSE FS
    3D TOF MRA COW
    BRAIN STEALTH PROTOCOL
    CT SINUS LTD
    PORTABLE CHEST 1V
    RUQ US LTD
    OB US >14 WKS
    DXA AXIAL SKELETON
    PET/CT SKULL BASE TO MID THIGH
    VQ SCAN
    MR PROSTATE W/WO 3T
    NM GASTRIC EMPTYING 4 HR
    LUNG SCREEN LDCT
    2.5 mm STD AXIAL
    MIP COR 10x2
    C-SPINE FLEX/EXT
    KUB SUPINE AND ERECT
    Dose Report
    SMARTPREP 120 kV 300 mA
    BILAT DIAG MAMMO W TOMO
    TIB/FIB 2V LT
    CTA HEAD NECK 0.625
    """,
)

GERMAN: Final = _group(
    (
        ("name", "Großkreutz^Jürgen"),
        ("name", "von Thalbach^Anneliese^^Prof. Dr. med."),
        ("patient", "0004711882"),
        ("identifier", "2024-118734"),
        ("identifier", "+49 40 7410-12345"),
        ("date", "19480229"),
        ("date", "20240118"),
        ("phrase", "Klinikum Nordheide Winsen"),
        ("phrase", "Abteilung für Strahlentherapie"),
    ),
    """
    Großkreutz, Jürgen: CT Thorax nativ -> CT Thorax nativ
    GROSSKREUTZ J MRT LWS -> MRT LWS
    Groskreutz Juergen *29.02.1948 Rö-Thorax -> Rö-Thorax
    Herr Großkreutz, V.a. Lungenembolie -> V.a. Lungenembolie
    MRT Schädel m. KM (Prof. von Thalbach) -> MRT Schädel m. KM
    Zuw.: Fr. Prof. v. Thalbach; CT Abdomen -> CT Abdomen
    Fallnr. 2024-118734 Sono Abdomen -> Sono Abdomen
    Pat.-ID 4711882 Becken ap -> Becken ap
    geb. 29. Februar 1948 - DSA Becken/Bein -> DSA Becken/Bein
    Tel. 040/7410-12345 HWS 2 Ebenen -> HWS 2 Ebenen
    Aufnahme vom 18.01.2024, 10:30 Uhr: Knie li. 2 Eb. -> Aufnahme Knie li. 2 Eb.
    Klinikum Nordheide: Mammographie bds. -> Mammographie bds.
    jgrosskreutz t1_tse_sag -> t1_tse_sag
    PTV Prostata Großkreutz -> PTV Prostata
    Planungs-CT Dr. Thalbach 18.1.24 -> Planungs-CT
    t2_tse_tra_320_p2
    CT Thorax/Abdomen/Becken mit KM
    Rö Thorax p.a. und seitl.
    Schädel MRT mit Perfusion
    OSG re. in 2 Ebenen
    ep2d_diff_3scan_trace_p2_ADC
    MRT Hüfte bds.
    Bestrahlungsplanung Mamma li.
    Z.n. Lobektomie, Verlaufskontrolle
    Durchleuchtung Ösophagus
    Angio-CT Aorta
    KM-Phase portalvenös 70 s
    Myelographie
    Hand d.p. und schräg
    Schulter Y-Aufnahme
    Zielaufnahme Patella
    NNH koronar 3 mm
    """,
)

FRENCH: Final = _group(
    (
        ("name", "Lefèvre^Anaïs"),
        ("name", "d'Estaing^Hervé^^Dr"),
        ("patient", "75-2019-00412"),
        ("identifier", "04 91 55 12 34"),
        ("date", "19850731"),
        ("date", "20190211"),
        ("phrase", "Hôpital Saint-Louis"),
        ("phrase", "12 rue des Lilas, 13004 Marseille"),
    ),
    """
    Scanner thoraco-abdominal de Mme Lefèvre Anaïs -> Scanner thoraco-abdominal
    IRM cérébrale - LEFEVRE ANAIS - 31/07/1985 -> IRM cérébrale
    Dr d'Estaing : contrôle genou G -> contrôle genou G
    Echographie hépatique, Dr H. D'ESTAING -> Echographie hépatique
    née le 31 juillet 1985, mammographie -> mammographie
    Tél 04.91.55.12.34 radio thorax face -> radio thorax face
    IPP 75201900412 TDM sinus -> TDM sinus
    Hôpital St-Louis TEP-TDM corps entier -> TEP-TDM corps entier
    examen du 11 février 2019 à 10h45 : rachis lombaire -> examen rachis lombaire
    A. Lefevre, bilan d'extension -> bilan d'extension
    12 rue des Lilas - radio bassin -> radio bassin
    Mlle LEFÈVRE : angioscanner -> angioscanner
    IRM du genou droit
    Scanner TAP avec injection
    Radio thorax F+P
    TDM cérébrale sans IV
    Echo abdo-pelvienne
    Cliché de face debout
    Séquence T2 écho de gradient
    Mammographie bilatérale, 4 incidences
    Coupes millimétriques
    Arthroscanner épaule gauche
    Bilan préopératoire
    Rachis cervical 3/4
    Angio-IRM des TSA
    Temps portal tardif
    """,
)

SPANISH: Final = _group(
    (
        ("name", "Muñoz Ibáñez^José Luis"),
        ("name", "Peñalver^Rocío^^Dra."),
        ("patient", "NHC 00129934"),
        ("identifier", "955 012 345"),
        ("date", "19630915"),
        ("date", "20230502"),
        ("phrase", "Hospital Universitario Virgen del Rocío"),
    ),
    """
    TC tórax Muñoz Ibáñez José Luis -> TC tórax
    RM rodilla dcha. J.L. Muñoz -> RM rodilla dcha.
    Sr. MUNOZ IBANEZ, dolor lumbar -> dolor lumbar
    Dra. Peñalver solicita ecografía abdominal -> solicita ecografía abdominal
    NHC 129934 mamografía bilateral -> mamografía bilateral
    F. nac. 15/09/1963 Rx tórax PA -> F. Rx tórax PA
    nacido el 15 de septiembre de 1963, TAC craneal -> TAC craneal
    tfno 955012345 ECO tiroides -> ECO tiroides
    HU Virgen del Rocío - PET-TC -> HU PET-TC
    2 mayo 2023 control postquirúrgico -> control postquirúrgico
    jose luis munoz T2 sag -> T2 sag
    RM columna lumbosacra sin contraste
    TC abdomen y pelvis con CIV
    Rx mano izq. 2P
    Angio-TC arterias pulmonares
    Ecografía de partes blandas
    RM mamas con contraste
    Serie ósea
    Telerradiografía de miembros inferiores
    TC senos paranasales
    Corte axial 5 mm
    """,
)

PORTUGUESE: Final = _group(
    (
        ("name", "Gonçalves da Conceição^Simão"),
        ("patient", "SNS-331245087"),
        ("date", "19901203"),
        ("name", "Falcão^Inês^^Dra."),
        ("identifier", "+351 22 555 0198"),
        ("date", "20211104"),
        ("phrase", "Centro Hospitalar do Alto Minho"),
    ),
    """
    TC crânio de Simão Gonçalves da Conceição -> TC crânio
    RM joelho esq. GONCALVES DA CONCEICAO S. -> RM joelho esq.
    Sr. Conceição - eco abdominal -> eco abdominal
    Dra. Inês Falcão: mamografia -> mamografia
    SNS 331245087 raio-x tórax -> raio-x tórax
    nasc. 3/12/1990, RX mão dta. -> RX mão dta.
    data 4 de novembro de 2021 ecocardiograma -> ecocardiograma
    tel +351225550198 densitometria óssea -> densitometria óssea
    CH Alto Minho / TC tórax -> CH TC tórax
    RM coluna cervical com contraste
    TC abdominopélvica
    Rx tórax PA e perfil
    Ecografia obstétrica 2º trimestre
    Mamografia digital bilateral
    Angio-TC coronárias
    Cintigrafia óssea
    Ressonância magnética da próstata
    """,
)

ITALIAN: Final = _group(
    (
        ("name", "De Santis^Niccolò"),
        ("name", "Dell'Orto^Beatrice^^Dott.ssa"),
        ("date", "19770425"),
        ("patient", "DSNNCL77D25F205X"),
        ("identifier", "02 5550 1199"),
        ("date", "20200917"),
        ("phrase", "Ospedale Maggiore di Lodi"),
        ("phrase", "Via Garibaldi 21, 26900 Lodi"),
    ),
    """
    TC torace De Santis Niccolò -> TC torace
    RM encefalo sig. DESANTIS N. -> RM encefalo
    Dott.ssa Dell'Orto: ecografia addome -> ecografia addome
    B. Dellorto richiede RX ginocchio dx -> richiede RX ginocchio dx
    CF DSNNCL77D25F205X mammografia -> mammografia
    nato il 25 aprile 1977, RM spalla sin -> RM spalla sin
    tel. 0255501199 angio TC -> angio TC
    Osp. Maggiore Lodi - RX torace 2P -> Osp. RX torace 2P
    17/9/2020 controllo, via Garibaldi 21 -> controllo
    RM ginocchio sinistro
    TC addome completo con mdc
    RX bacino
    Ecocolordoppler TSA
    Scintigrafia ossea total body
    Uro-TC
    RM colonna lombosacrale
    Fase arteriosa 25 s
    """,
)

DUTCH: Final = _group(
    (
        ("name", "van der Meulen^Sjoerd"),
        ("name", "'t Hooft^Marijke^^dr."),
        ("patient", "5120098"),
        ("identifier", "030-555 0167"),
        ("date", "19551011"),
        ("date", "20180623"),
        ("phrase", "Diakonessenhuis Utrecht"),
        ("phrase", "Kerkstraat 9, 3581 RA Utrecht"),
    ),
    """
    CT thorax dhr. van der Meulen -> CT thorax
    MEULEN VAN DER, S. MRI knie re -> MRI knie re
    S. v.d. Meulen, X-bekken -> X-bekken
    aanvrager dr. 't Hooft: echo bovenbuik -> echo bovenbuik
    Marijke t Hooft, MRI hersenen -> MRI hersenen
    geb.dat. 11-10-1955 CT hersenen blanco -> CT hersenen blanco
    geboren 11 oktober 1955 mammografie -> mammografie
    tel. 030 5550167 echo schildklier -> echo schildklier
    Diakonessenhuis: X-thorax staand -> X-thorax staand
    patnr 5120098 CT aorta -> CT aorta
    MRI knie links zonder contrast
    X-enkel li 2 richtingen
    CT abdomen met i.v. contrast
    Echo bovenbuik
    MRI wervelkolom
    X-thorax voorachterwaarts en lateraal
    """,
)

OTHERS: Final = _group(
    (
        ("name", "Nguyễn^Thị Hương"),
        ("name", "Kowalczyk-Żak^Łucja"),
        ("name", "Ó Súilleabháin^Seán"),
        ("name", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("name", "Петров^Иван"),
        ("patient", "HN3-77120"),
        ("name", "Papadopoulos^Eleni"),
        ("name", "Çelik^Ayşe"),
        ("date", "20001231"),
    ),
    """
    MRI brain Nguyen Thi Huong -> MRI brain
    CT chest NGUYỄN -> CT chest
    Lucja Kowalczyk Zak US breast -> US breast
    KOWALCZYK-ŻAK: CT abdomen -> CT abdomen
    O'Suilleabhain knee MRI -> knee MRI
    Sean O Suilleabhain XR ankle -> XR ankle
    CT 山田太郎 胸部 -> CT 胸部
    頭部MRI 山田様 -> 頭部MRI
    Петров И. КТ грудной клетки -> КТ грудной клетки
    ИВАН ПЕТРОВ МРТ -> МРТ
    Papadopoulos, E. DXA spine -> DXA spine
    Ayse Celik mammography -> mammography
    AYŞE ÇELİK MR pelvis -> MR pelvis
    HN3 77120 cardiac CT -> cardiac CT
    hn377120_cine_sa -> cine_sa
    31DEC2000 perfusion -> perfusion
    胸部CT 造影
    КТ головного мозга
    腹部エコー
    MR เข่า
    CT ปอด
    """,
)

TECHNICAL: Final = _group(
    (
        ("name", "Marsh^Peter^James"),
        ("patient", "20240001"),
        ("name", "Long^Amy"),
        ("date", "20240210"),
        ("phrase", "Bay Area Imaging"),
    ),
    """
    GTV_60Gy
    CTV_LN_5040
    PTV_Boost_16
    Lung_L
    Kidney_R
    SpinalCord_PRV05
    OpticNrv_L
    Parotid_R
    Bowel_Bag
    z_Ring_1cm
    Femur_Head_L
    BODY
    Couch Surface
    *tfl3d1_16ns
    *epfid2d1_64
    SAG CUBE T2 FLAIR PROMO
    Ax DWI ASSET b=1000
    WATER: LAVA
    sT1W_3D_TFE
    T2W_TSE_SENSE
    DelRec - WIP T1
    ep2d_bold_moco_p2
    HASTE_cor_MBH
    Thorax 1.0 B60f
    AbdRoutine 5.0 I30f 3
    Lung 1.25 mm
    CERVICAL SPINE AP GRID
    Topogram 0.6 T20f
    [BR_CT] WB 3D MODE
    AC_CT_WholeBody
    NAC
    SUVbw
    MAC
    FFDM
    L CC C-View
    R MLO Tomo
    Scapula Y
    Short axis
    SEGMENTATION LIVER V2
    0.75x0.75x3 mm iso
    TE 85 TR 3500 ETL 16
    FOV 220 matrix 512x512
    """,
)

_ALL: Final = (ENGLISH, GERMAN, FRENCH, SPANISH, PORTUGUESE, ITALIAN, DUTCH, OTHERS, TECHNICAL)
_NAMES: Final = "english german french spanish portuguese italian dutch others technical".split()
GROUPS: Final = dict(zip(_NAMES, _ALL, strict=True))
